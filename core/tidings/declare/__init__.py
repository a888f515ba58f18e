"""Declare kinds of job: the decorator `job`, its options and policy, and what is checked of a handler."""
