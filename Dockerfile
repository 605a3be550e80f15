# One image for both halves: `core` and `facade` are the same code, started differently. Without arguments: both in one.
# The base image is pinned by its digest; `docker buildx imagetools inspect python:3.11-slim-trixie` names the newest one.
FROM python:3.11.16-slim-trixie@sha256:9c900dea9e8fb7e16277c179b555cc72d29a352dbc33cff48ad5a0412fd5bfc7 AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
COPY requirements.txt requirements-build.txt pyproject.toml README.md LICENSE ./
# pip and what builds the package stay here.
RUN python -m venv /opt/build && /opt/build/bin/pip install --require-hashes -r requirements-build.txt
RUN python -m venv --without-pip /opt/dragoman \
    && /opt/build/bin/pip --python /opt/dragoman/bin/python install --only-binary :all: --require-hashes -r requirements.txt
COPY protos protos
COPY gateway_core gateway_core
COPY gateway_dialects gateway_dialects
COPY http_facade http_facade
COPY gateway_cli gateway_cli
RUN /opt/build/bin/pip wheel --no-index --no-deps --no-build-isolation --wheel-dir /wheels . \
    && /opt/build/bin/pip --python /opt/dragoman/bin/python install --no-index --no-deps /wheels/*.whl

FROM python:3.11.16-slim-trixie@sha256:9c900dea9e8fb7e16277c179b555cc72d29a352dbc33cff48ad5a0412fd5bfc7
COPY --from=build /opt/dragoman /opt/dragoman
ENV PATH=/opt/dragoman/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
# By number, so that an orchestrator can tell that it is not root. What outlives a container is stored in its folder.
RUN groupadd --system --gid 10001 dragoman \
    && useradd --system --no-create-home --uid 10001 --gid 10001 dragoman \
    && install -d -o 10001 -g 10001 -m 700 /var/lib/dragoman
USER 10001:10001
EXPOSE 8080 50051
ENTRYPOINT ["dragoman"]
CMD ["serve", "--http", "0.0.0.0:8080", "--grpc", "0.0.0.0:50051"]
