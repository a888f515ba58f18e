"""What models say: the streams and messages of their makers, and the reply read from them."""
