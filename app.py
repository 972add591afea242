"""MoDE Explorer: `python app.py` opens it, and it is what a Hugging Face Space runs."""

from app.ui import build_demo, launch

demo = build_demo()

if __name__ == "__main__":
    launch(demo)
