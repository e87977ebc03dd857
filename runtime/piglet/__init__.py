"""Piglet: the small model that comes with the package, and how it is made.

    problems.py    what it is asked, and the right answers
    segments.py    what transcripts are made of
    lists.py       sums worked through alone, in several turns, and checked by a critic
    teams.py       sums shared out among workers
    reasoning.py   thoughts and the reply that is spoken from them
    listening.py   numbers that arrive, notes, a reply, a summary as JSON
    transcripts.py all kinds of left-to-right text to learn from, and how often each is drawn
    tokenizer.py   bytes, a few words, the special tokens of a chat model
    train.py       makes `checkpoint/`, an ordinary Hugging Face folder
    evaluate.py    how well the transcripts were learned

To run it needs nothing of this but the checkpoint. transformers is used here as a trainer.
"""
