"""The vocabulary of OpenAI's legacy text completions API, once for both directions.

Source: https://platform.openai.com/docs/api-reference/completions, and recorded requests and answers.
"""

from collections.abc import Mapping

DIALECT = "openai-completions"
ESSENTIAL_OPTIONS: Mapping[str, str] = {
    "suffix": "this model does not complete text before a suffix; one of Mistral's does at /v1/fim/completions",
    "echo": "chat models do not give the log-probabilities of the prompt, which logprobs together with echo asks for",
}
"""See Dialect.essential_options."""
