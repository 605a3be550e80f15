"""Every file of the contract names its Go package: protoc-gen-go refuses one that does not."""

from google.protobuf.descriptor_pb2 import FileDescriptorProto

from dragoman.v1.gateway_pb2 import DESCRIPTOR


def test_every_file_names_its_go_package() -> None:
    seen, left = {}, [DESCRIPTOR]
    while left:
        file = left.pop()
        if file.package == DESCRIPTOR.package and file.name not in seen:
            proto = FileDescriptorProto()
            file.CopyToProto(proto)
            seen[file.name] = proto.options.go_package
            left += file.dependencies
    assert len(seen) > 5
    assert set(seen.values()) == {"dragoman/v1;dragomanv1"}
