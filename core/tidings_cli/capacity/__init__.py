"""`tidings capacity`: what a load needs, by the model of docs/explanation/capacity.md."""
