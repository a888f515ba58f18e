"""What a chat costs, and how soon its tokens are in a browser, beside a plain application."""
