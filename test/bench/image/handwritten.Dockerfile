# The peer: what a careful engineer writes for the same lock, server and model, after uv's own guide for containers.
# Built with the context that `mlship generate` writes; see run.ts.
ARG BASE
FROM ${BASE} AS build
ARG UV
ENV UV_COMPILE_BYTECODE=1 UV_SYSTEM_CERTS=1 UV_LINK_MODE=copy UV_NO_PROGRESS=1 PIP_BREAK_SYSTEM_PACKAGES=1 PIP_ROOT_USER_ACTION=ignore
RUN --mount=type=cache,target=/root/.cache pip install --quiet "uv==${UV}"
WORKDIR /app
COPY build/requirements-amd64.txt requirements.txt
RUN --mount=type=cache,target=/root/.cache \
    uv venv --python python3 /app/venv && \
    uv pip install --python /app/venv/bin/python --require-hashes --no-deps --requirements requirements.txt

FROM ${BASE}
RUN groupadd --gid 65532 app && useradd --uid 65532 --gid app --no-create-home --shell /usr/sbin/nologin app
WORKDIR /app
COPY --from=build /app/venv /app/venv
COPY layers/server/ /
COPY layers/model/ /
COPY layers/runtime/ /
ENV PATH=/app/venv/bin:$PATH PYTHONPATH=/app/server PYTHONUNBUFFERED=1
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["python", "-m", "mlship_server", "serve", "/app/bundle", "--model", "/app/model", "--host", "0.0.0.0", "--port", "8080"]
