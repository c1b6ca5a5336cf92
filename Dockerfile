# The image of every step on Kubeflow: the locked environment, this project, and MNIST.
#
#     docker build -t REPOSITORY/tfx-vae:TAG .
#     docker run --rm -v tfx-vae-runs:/app/runs REPOSITORY/tfx-vae:TAG tfx-vae run --config pipelines/configs/smoke.yaml
#
# If you mount your own directory there, first change its owner to user 10001.

FROM python:3.11-slim-bookworm AS build
WORKDIR /app
ENV UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never
RUN pip install --no-cache-dir "uv>=0.9,<0.14"
# The environment first: it takes minutes and changes less often than the code.
COPY pyproject.toml uv.lock setup.py ./
RUN uv sync --locked --no-cache --no-install-project --extra kubeflow
# --build-arg GPU=1 adds CUDA's libraries in the versions that TensorFlow requires; uv.lock has none. Without --no-config the
# overrides in pyproject.toml would remove the extra.
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
# A number, so that Kubernetes can check that it is not root.
USER 10001
CMD ["tfx-vae", "--help"]
