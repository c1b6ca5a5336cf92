# The image that every step on Kubeflow runs in: the locked environment, this project, and MNIST.
#
#     docker build -t REPOSITORY/tfx-vae:TAG .
#     docker run --rm -v tfx-vae-runs:/app/runs REPOSITORY/tfx-vae:TAG tfx-vae run --config pipelines/configs/smoke.yaml
#
# Whoever mounts a directory of their own there has to give it to user 10001 first.

FROM python:3.11-slim-bookworm AS build
WORKDIR /app
ENV UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never
RUN pip install --no-cache-dir "uv>=0.9,<0.14"
# The environment first: it changes less often than the code, and takes minutes.
COPY pyproject.toml uv.lock setup.py ./
RUN uv sync --locked --no-cache --no-install-project --extra kubeflow
# With --build-arg GPU=1 CUDA's libraries too, in the versions that TensorFlow asks for; uv.lock has none. Without --no-config the
# overrides of pyproject.toml would take the extra away.
ARG GPU=
RUN if [ -n "$GPU" ]; then uv pip install --no-config --no-cache "tensorflow[and-cuda]"; fi
COPY components components
COPY pipelines pipelines
COPY tfx_vae tfx_vae
RUN uv sync --locked --no-cache --inexact --extra kubeflow && .venv/bin/python -m compileall -q components pipelines tfx_vae

FROM python:3.11-slim-bookworm
RUN useradd --uid 10001 --create-home tfx-vae && mkdir -p /app/runs && chown tfx-vae /app/runs
WORKDIR /app
COPY --from=build /app /app
COPY schema schema
COPY data data
ENV PATH=/app/.venv/bin:$PATH PYTHONUNBUFFERED=1
# By number, so that Kubernetes can see that it is not root.
USER 10001
CMD ["tfx-vae", "--help"]
