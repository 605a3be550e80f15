"""The demo: a provider without network, deterministic and scriptable, that speaks OpenAI's chat completions format.

models.answer turns a request into a script (script.py); transport/demo.py plays it.
"""
