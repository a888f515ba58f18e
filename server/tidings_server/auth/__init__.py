"""Who may come, and what they may do.

A credential comes in `Authorization`, in an `auth` frame, or was exchanged for a ticket. The
authenticator of the process turns it into an `Identity`; everything behind asks that and nothing else.
"""
