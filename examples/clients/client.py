"""Prints the active releases of a project."""
import os
import sys

import grpc

sys.path.insert(0, "gen")
from forest.v1 import releases_pb2, releases_pb2_grpc  # noqa: E402

organisation, project = sys.argv[1:]
address = os.environ["FORAGE_URL"].split("://")[1]
tls = os.environ["FORAGE_URL"].startswith("https://")
channel = grpc.secure_channel(address, grpc.ssl_channel_credentials()) if tls else grpc.insecure_channel(address)
request = releases_pb2.GetReleaseIntentStatesRequest(organisation=organisation, project=project)
metadata = [("authorization", f"Bearer {os.environ['FORAGE_TOKEN']}")]
answer = releases_pb2_grpc.ReleaseServiceStub(channel).GetReleaseIntentStates(request, metadata=metadata)
for intent in answer.release_intents:
    reasons = [f"{stage.stage_id}: {stage.reason}" for stage in intent.stages if stage.reason]
    print(intent.release_intent_id, intent.slug, "; ".join(reasons))
