"""Chats for `useChat` of the AI SDK: asking, resuming and stopping, by the protocol of its default transport."""
