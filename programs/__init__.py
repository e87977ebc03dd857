"""Programs that show what the language is for; each file is also a test.

Every program takes `prompts="piglet"` for the small model that comes with the package, which knows
only short prompts of its own kind, or `prompts="general"` for an instruction-tuned model.
"""
