"""Models that many hosts serve, and those of smaller makers.

Sources: https://docs.mistral.ai/getting-started/models, https://docs.cohere.com/docs/models,
https://api-docs.deepseek.com, https://platform.moonshot.ai/docs, https://docs.z.ai, https://docs.x.ai/docs/models,
https://www.llama.com/docs/model-cards-and-prompt-formats.
"""

from gateway_core.models.families.family import PICTURES, TEXT, Family
from gateway_dialects.kit.capabilities import Capabilities

LISTED = Capabilities(inputs=TEXT, outputs=TEXT)
PLAIN = Capabilities(reasoning=False, inputs=TEXT, outputs=TEXT)
SEEING = Capabilities(reasoning=False, inputs=PICTURES, outputs=TEXT)

FAMILIES: tuple[Family, ...] = (
    Family("Pixtral", r"pixtral-.*", SEEING),
    Family("Command A Vision", r"command-a-vision-.*", SEEING),
    Family("Command A Reasoning", r"command-a-reasoning(-\d\d-20\d\d)?", Capabilities(reasoning=True), later=True),
    Family("Command R, Command A", r"command-(r|r-plus|r7b|a)(-\d\d-20\d\d)?", PLAIN),
    Family(
        "Command without reasoning",
        r"command-(r|light|nightly|a-03|a-vision|a-translate).*|c4ai-.*",
        Capabilities(reasoning=False),
        later=True,
    ),
    Family("DeepSeek", r"deepseek-(chat|reasoner|r1.*|v3.*)", LISTED),
    Family("Kimi K2.5", r"kimi-k2\.5", Capabilities(inputs=("text", "image", "video"), outputs=TEXT)),
    Family("Kimi K2", r"kimi-k2(-\d{4}-preview|-turbo-preview|-thinking.*|-instruct.*)?", LISTED),
    Family("GLM-4.5 to 4.7", r"glm-4\.[5-7](-air|-flash)?", LISTED),
    Family("Llama 3.2 Vision", r"llama-3\.2-(11b|90b)-vision.*", SEEING),
    Family("Llama 3", r"(meta-)?llama-3(\.[13])?-\d+b.*", PLAIN),
    Family("Llama 4", r"llama-4-(scout|maverick).*", SEEING),
)
