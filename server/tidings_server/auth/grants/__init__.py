"""Grants: who bears one may do few things to few jobs for a short time.

`auth.grant` says what one allows. Here `grant_codec` makes and reads its signed text, `grant_keys` holds the keys of
the signatures, and `grant_issuer` gives a grant to an identity that may do itself what the grant allows.
"""
