"""The client of a server of tuner: what the local functions do, over HTTP."""

from tuner.client.event_reader import ServerEvent
from tuner.client.remote_model import RemoteModel
from tuner.client.remote_study import RemoteConfirmation, RemoteStudy
from tuner.client.remote_trial import RemoteTrial
from tuner.client.server_client import Client

__all__ = ["Client", "RemoteConfirmation", "RemoteModel", "RemoteStudy", "RemoteTrial", "ServerEvent"]
