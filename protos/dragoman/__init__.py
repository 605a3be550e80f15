"""Dragoman's gRPC contract."""
