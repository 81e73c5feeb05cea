"""The browser page: pure pictures, and the Solara app that shows them."""
