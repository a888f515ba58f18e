"""Chats: a handler writes its answer as the UI message stream of the AI SDK, which `useChat` reads.

No package of a model's maker is needed, and none is imported.
"""

from .agent.agent_writer import AgentWriter
from .chat_request import ChatRequest, UIMessage
from .error_header import retry_after
from .message_writer import UIMessageWriter
from .models.anthropic_stream import ModelStreamError
from .models.model_reply import ModelReply, ToolCall
from .models.openai_messages import openai_messages
from .sync_message_writer import SyncUIMessageWriter

__all__ = [
    "AgentWriter",
    "ChatRequest",
    "ModelReply",
    "ModelStreamError",
    "SyncUIMessageWriter",
    "ToolCall",
    "UIMessage",
    "UIMessageWriter",
    "openai_messages",
    "retry_after",
]
