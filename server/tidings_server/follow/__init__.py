"""Following tags: which clients of this process follow which tag of which owner, and the jobs found for them."""
