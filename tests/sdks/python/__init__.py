"""What runs in the environments of the Python SDKs: only the standard library, the SDKs and this folder are there."""
