"""One attempt of a job: its handler, its reports and its end."""
