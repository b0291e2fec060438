"""The documented FastAPI design, as a peer: Pydantic input, a plain endpoint in the thread pool, and
an HTTP middleware that counts with prometheus-client. Started as `uvicorn peer:app --workers 2`."""

import os
import time

import joblib
import numpy as np
from fastapi import FastAPI, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Histogram, generate_latest
from pydantic import BaseModel

REQUESTS = Counter("requests", "Requests.", ["method", "path", "status"])
DURATION = Histogram("request_duration_seconds", "Duration.", ["method", "path"])

app = FastAPI()
model = joblib.load(os.environ["PEER_MODEL"])


class Input(BaseModel):
    instances: list[list[float]]


class Output(BaseModel):
    predictions: list[int]
    probabilities: list[list[float]]


@app.middleware("http")
async def measure(request: Request, call_next):
    began = time.perf_counter()
    response = await call_next(request)
    DURATION.labels(request.method, request.url.path).observe(time.perf_counter() - began)
    REQUESTS.labels(request.method, request.url.path, response.status_code).inc()
    return response


@app.post("/predict")
def predict(body: Input) -> Output:
    probabilities = model.predict_proba(np.array(body.instances))
    return Output(
        predictions=model.classes_[probabilities.argmax(axis=1)].tolist(), probabilities=probabilities.tolist()
    )


@app.get("/health/ready")
def ready():
    return {"status": "ready"}


@app.get("/metrics")
def metrics():
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
