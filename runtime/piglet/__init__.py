"""Piglet: the small model that comes with the package, and how it is made.

    problems.py    what it is asked, and the right answers
    transcripts.py left-to-right text to learn from
    tokenizer.py   bytes, a few words, the special tokens of a chat model
    train.py       makes `checkpoint/`, an ordinary Hugging Face folder
    evaluate.py    how well the transcripts were learned

To run it needs nothing of this but the checkpoint. transformers is used here as a trainer.
"""
