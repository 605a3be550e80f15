import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.UnknownFieldSet;
import dragoman.v1.Chat.ChatRequest;
import dragoman.v1.Chat.ChatResponse;
import dragoman.v1.Content.Message;
import dragoman.v1.Content.Part;
import dragoman.v1.Content.Role;
import dragoman.v1.GatewayServiceGrpc;
import dragoman.v1.GatewayServiceGrpc.GatewayServiceBlockingStub;
import dragoman.v1.Stream.StreamEvent;
import dragoman.v1.Stream.StreamRequest;
import io.grpc.Metadata;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.MetadataUtils;
import java.util.concurrent.TimeUnit;

/** A gRPC client in Java: a chat, a streamed chat, and an error with its reason. */
public final class ChatClient {
  private static final Metadata.Key<String> AUTHORIZATION =
      Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);
  private static final Metadata.Key<byte[]> DETAILS =
      Metadata.Key.of("grpc-status-details-bin", Metadata.BINARY_BYTE_MARSHALLER);

  public static void main(String[] arguments) throws Exception {
    ManagedChannel channel =
        NettyChannelBuilder.forTarget(environment("DRAGOMAN_TARGET", "127.0.0.1:50051")).usePlaintext().build();
    try {
      talk(gateway(channel), environment("DRAGOMAN_MODEL", "demo/echo"));
    } finally {
      channel.shutdownNow().awaitTermination(5, TimeUnit.SECONDS);
    }
  }

  private static void talk(GatewayServiceBlockingStub gateway, String model) throws InvalidProtocolBufferException {
    ChatResponse answer = gateway.chat(question(model, "Hello from Java"));
    System.out.println(answer.getCandidates(0).getParts(0).getText());
    System.out.printf(
        "%d + %d tokens from %s%n",
        answer.getUsage().getInputTokens(), answer.getUsage().getOutputTokens(), answer.getRoute().getProvider());

    StreamRequest streamed = StreamRequest.newBuilder().setChat(question(model, "Streamed to Java")).build();
    gateway
        .stream(streamed)
        .forEachRemaining(
            batch -> {
              for (StreamEvent event : batch.getEventsList()) {
                System.out.print(event.getPartDelta().getText());
              }
            });
    System.out.println();

    try {
      gateway.chat(question("demo/no-such-model", "Hello?"));
    } catch (StatusRuntimeException error) {
      System.out.printf("%s: %s%n", error.getStatus().getCode(), reasonOf(error));
    }
  }

  private static GatewayServiceBlockingStub gateway(ManagedChannel channel) {
    Metadata metadata = new Metadata();
    String key = environment("DRAGOMAN_API_KEY", "");
    if (!key.isEmpty()) {
      metadata.put(AUTHORIZATION, "Bearer " + key);
    }
    return GatewayServiceGrpc.newBlockingStub(channel)
        .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(metadata))
        .withDeadlineAfter(60, TimeUnit.SECONDS);
  }

  private static ChatRequest question(String model, String text) {
    Message message =
        Message.newBuilder().setRole(Role.ROLE_USER).addParts(Part.newBuilder().setText(text)).build();
    return ChatRequest.newBuilder().setModel(model).addMessages(message).build();
  }

  /** The name of the contract's enum Reason: google.rpc.Status.details[0].value is a google.rpc.ErrorInfo (errors.proto). */
  private static String reasonOf(StatusRuntimeException error) throws InvalidProtocolBufferException {
    byte[] details = error.getTrailers() == null ? null : error.getTrailers().get(DETAILS);
    if (details == null) {
      return "";
    }
    ByteString any = bytes(UnknownFieldSet.parseFrom(details), 3);
    ByteString info = bytes(UnknownFieldSet.parseFrom(any), 2);
    return bytes(UnknownFieldSet.parseFrom(info), 1).toStringUtf8();
  }

  private static ByteString bytes(UnknownFieldSet message, int field) {
    return message.getField(field).getLengthDelimitedList().get(0);
  }

  private static String environment(String name, String otherwise) {
    return System.getenv().getOrDefault(name, otherwise);
  }
}
