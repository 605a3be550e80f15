# One image for both halves: `core` and `facade` are the same code, started differently. Without arguments: both in one.
FROM python:3.11-slim AS build
WORKDIR /src
COPY requirements.txt pyproject.toml README.md ./
RUN python -m venv /opt/dragoman && /opt/dragoman/bin/pip install --no-cache-dir --require-hashes -r requirements.txt
COPY protos protos
COPY gateway_core gateway_core
COPY gateway_dialects gateway_dialects
COPY http_facade http_facade
COPY gateway_cli gateway_cli
RUN /opt/dragoman/bin/pip install --no-cache-dir --no-deps .

FROM python:3.11-slim
COPY --from=build /opt/dragoman /opt/dragoman
ENV PATH=/opt/dragoman/bin:$PATH PYTHONUNBUFFERED=1
RUN useradd --system --no-create-home dragoman
USER dragoman
EXPOSE 8080 50051
ENTRYPOINT ["dragoman"]
CMD ["serve", "--http", "0.0.0.0:8080", "--grpc", "0.0.0.0:50051"]
