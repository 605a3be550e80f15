"""A gRPC client in Python: a chat, a streamed chat, and an error with its reason."""

import os

import grpc
from google.rpc import error_details_pb2, status_pb2

from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.content_pb2 import ROLE_USER, Message, Part
from dragoman.v1.gateway_pb2_grpc import GatewayServiceStub
from dragoman.v1.stream_pb2 import StreamRequest

TARGET = os.environ.get("DRAGOMAN_TARGET", "127.0.0.1:50051")
KEY = os.environ.get("DRAGOMAN_API_KEY", "")
MODEL = os.environ.get("DRAGOMAN_MODEL", "demo/echo")
METADATA = [("authorization", f"Bearer {KEY}")] if KEY else []


def question(model: str, text: str) -> ChatRequest:
    return ChatRequest(model=model, messages=[Message(role=ROLE_USER, parts=[Part(text=text)])])


def reason_of(error: grpc.RpcError) -> str:
    """The name of the contract's enum Reason, from the status details (errors.proto)."""
    for name, value in error.trailing_metadata():
        if name == "grpc-status-details-bin":
            for detail in status_pb2.Status.FromString(value).details:
                info = error_details_pb2.ErrorInfo()
                if detail.Unpack(info):
                    return info.reason
    return ""


with grpc.insecure_channel(TARGET) as channel:
    gateway = GatewayServiceStub(channel)

    answer = gateway.Chat(question(MODEL, "Hello from Python"), metadata=METADATA, timeout=60)
    print(answer.candidates[0].parts[0].text)
    print(f"{answer.usage.input_tokens} + {answer.usage.output_tokens} tokens from {answer.route.provider}")

    for batch in gateway.Stream(StreamRequest(chat=question(MODEL, "Streamed to Python")), metadata=METADATA, timeout=60):
        for event in batch.events:
            if event.HasField("part_delta"):
                print(event.part_delta.text, end="", flush=True)
    print()

    try:
        gateway.Chat(question("demo/no-such-model", "Hello?"), metadata=METADATA, timeout=60)
    except grpc.RpcError as error:
        print(f"{error.code().name}: {reason_of(error)}")
