"""The programs that are run as clients: where they come from and how each is set up, exactly as docs/agents.md shows it.

The set-ups are written with the document's placeholders (URL, KEY, MODEL, TASK below), which a run replaces.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

URL = "http://127.0.0.1:8080"
KEY = "YOUR-DRAGOMAN-KEY"
MODEL = "provider/model"
TASK = "YOUR TASK"
ALONE = "OPTIONS"
"""In a command: where the options of the runs alone stand."""
NO_TOOLS = ("text", "refused", "key", "model")


@dataclass(frozen=True)
class Program:
    """One program, in one set-up."""

    name: str
    packages: Sequence[str]
    """NAME@VERSION of npm, NAME==VERSION of PyPI. The first one's version is told."""
    api: str
    """The served API that it asks: openai, responses, anthropic, gemini or cohere."""
    command: Sequence[str]
    """What is run, the program's name first."""
    alone: Sequence[str] = ()
    """Options of the runs alone, where nobody can be asked whether a file may be edited."""
    environ: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    """By their paths: ~/... in the home, others in the folder of the task."""
    sources: Mapping[str, str] = field(default_factory=dict)
    """Files of frameworks/ that are copied into the folder of the task, by their names there."""
    has_tools: bool = True
    """Calls tools, rather than reading edits in the answer's words."""
    tasks: Sequence[str] = ("text", "tools", "refused", "key", "model")
    quiet: Mapping[str, str] = field(default_factory=dict)
    """Variables of the runs alone: no reports, no updates, few tries."""

    @property
    def is_node(self) -> bool:
        return "==" not in self.packages[0]

    @property
    def version(self) -> str:
        return self.packages[0].rpartition("@" if self.is_node else "==")[2]


CLAUDE_CODE = Program(
    "Claude Code",
    ["@anthropic-ai/claude-code@2.1.332"],
    "anthropic",
    ["claude", "--print", "--model", MODEL, ALONE, TASK],
    alone=["--permission-mode", "acceptEdits"],
    environ={"ANTHROPIC_BASE_URL": URL, "ANTHROPIC_AUTH_TOKEN": KEY},
    quiet={"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "DISABLE_AUTOUPDATER": "1", "CLAUDE_CODE_MAX_RETRIES": "1"},
)
CODEX = Program(
    "Codex",
    ["@openai/codex@0.171.0"],
    "responses",
    ["codex", "exec", "--skip-git-repo-check", ALONE, TASK],
    alone=["--dangerously-bypass-approvals-and-sandbox"],
    environ={"DRAGOMAN_API_KEY": KEY},
    files={
        "~/.codex/config.toml": f"""\
model = "{MODEL}"
model_provider = "dragoman"

[model_providers.dragoman]
name = "Dragoman"
base_url = "{URL}/v1"
env_key = "DRAGOMAN_API_KEY"
wire_api = "responses"
"""
    },
)
GEMINI_CLI = Program(
    "Gemini CLI",
    ["@google/gemini-cli@0.61.0"],
    "gemini",
    ["gemini", "--model", MODEL, ALONE, "--prompt", TASK],
    alone=["--approval-mode", "yolo"],
    environ={"GOOGLE_GEMINI_BASE_URL": URL, "GEMINI_API_KEY": KEY},
    files={"~/.gemini/settings.json": '{"security": {"auth": {"selectedType": "gemini-api-key"}}}\n'},
    quiet={"GEMINI_TELEMETRY_ENABLED": "false", "GEMINI_CLI_TRUST_WORKSPACE": "true"},
)
OPENCODE = Program(
    "opencode",
    ["opencode-ai@1.18.33"],
    "openai",
    ["opencode", "run", "--model", f"dragoman/{MODEL}", TASK],
    files={
        "~/.config/opencode/opencode.json": f"""\
{{
  "provider": {{
    "dragoman": {{
      "npm": "@ai-sdk/openai-compatible",
      "options": {{"baseURL": "{URL}/v1", "apiKey": "{KEY}"}},
      "models": {{"{MODEL}": {{}}}}
    }}
  }}
}}
"""
    },
    quiet={"OPENCODE_DISABLE_AUTOUPDATE": "true", "OPENCODE_DISABLE_MODELS_FETCH": "true"},
)
AIDER = Program(
    "aider",
    ["aider-chat==0.86.2"],
    "openai",
    ["aider", "--model", f"openai/{MODEL}", ALONE, "--message", TASK, "notes.txt"],
    alone=["--edit-format", "diff", "--yes-always"],
    environ={"OPENAI_API_BASE": f"{URL}/v1", "OPENAI_API_KEY": KEY},
    has_tools=False,
    quiet={
        "AIDER_ANALYTICS_DISABLE": "true",
        "AIDER_CHECK_UPDATE": "false",
        "AIDER_SHOW_MODEL_WARNINGS": "false",
        "AIDER_GIT": "false",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    },
)
QWEN_CODE = Program(
    "Qwen Code",
    ["@qwen-code/qwen-code@0.24.4"],
    "openai",
    ["qwen", "--auth-type", "openai", ALONE, "--prompt", TASK],
    alone=["--approval-mode", "yolo"],
    environ={"OPENAI_BASE_URL": f"{URL}/v1", "OPENAI_API_KEY": KEY, "OPENAI_MODEL": MODEL},
    files={"~/.qwen/settings.json": '{"privacy": {"usageStatisticsEnabled": false}}\n'},
)
LLM = Program(
    "llm",
    ["llm==0.36"],
    "openai",
    ["llm", "prompt", "--model", "dragoman", "--functions", "tools.py", TASK],
    sources={"tools.py": "tools.py"},
    files={
        "~/.config/io.datasette.llm/extra-openai-models.yaml": f"""\
- model_id: dragoman
  model_name: {MODEL}
  api_base: {URL}/v1
  api_key_name: dragoman
  supports_tools: true
""",
        "~/.config/io.datasette.llm/keys.json": f'{{"dragoman": "{KEY}"}}\n',
    },
)
COPILOT_CLI = Program(
    "GitHub Copilot CLI",
    ["@github/copilot@1.0.102"],
    "openai",
    ["copilot", ALONE, "--prompt", TASK],
    alone=["--allow-all-tools", "--allow-all-paths"],
    environ={
        "COPILOT_PROVIDER_BASE_URL": f"{URL}/v1",
        "COPILOT_PROVIDER_API_KEY": KEY,
        "COPILOT_MODEL": MODEL,
        "COPILOT_OFFLINE": "true",
    },
)
PI = Program(
    "pi",
    ["@mariozechner/pi-coding-agent@0.73.1"],
    "openai",
    ["pi", "--model", f"dragoman/{MODEL}", "--print", TASK],
    environ={"DRAGOMAN_API_KEY": KEY},
    files={
        "~/.pi/agent/models.json": f"""\
{{
  "providers": {{
    "dragoman": {{
      "baseUrl": "{URL}/v1",
      "api": "openai-completions",
      "apiKey": "DRAGOMAN_API_KEY",
      "models": [{{"id": "{MODEL}"}}]
    }}
  }}
}}
"""
    },
)
PROMPTFOO = Program(
    "promptfoo",
    ["promptfoo@0.123.1", "node@22.23.3"],
    "openai",
    ["promptfoo", "eval", "--no-cache", "--no-progress-bar"],
    files={
        "promptfooconfig.yaml": f"""\
prompts: ["{TASK}"]
providers:
  - id: openai:chat:{MODEL}
    config: {{apiBaseUrl: {URL}/v1, apiKey: {KEY}}}
"""
    },
    tasks=NO_TOOLS,
    quiet={"PROMPTFOO_DISABLE_TELEMETRY": "1", "PROMPTFOO_DISABLE_UPDATE": "1", "PROMPTFOO_REQUEST_BACKOFF_MS": "50"},
)
NODE = "node@22.23.3"
AI_SDK = (
    "ai@7.0.173",
    "@ai-sdk/openai-compatible@3.0.92",
    "@ai-sdk/google@4.0.121",
    "@ai-sdk/mistral@4.0.87",
    "@ai-sdk/cohere@4.0.52",
    "@ai-sdk/azure@4.0.85",
    "@ai-sdk/xai@5.0.12",
    "@ai-sdk/groq@4.0.84",
    "@ai-sdk/deepseek@3.0.56",
    "@openrouter/ai-sdk-provider@3.1.0",
    "zod@4.6.7",
    NODE,
)


def framework(name: str, source: str, *packages: str, api: str = "openai", tasks: Sequence[str] = Program.tasks) -> Program:
    """A program of frameworks/."""
    python = source.endswith(".py")
    main, tools = ("main.py", "tools.py") if python else ("main.mjs", "tools.mjs")
    command = ["python", main] if python else ["node", main]
    files = {source: main, tools: tools}
    return Program(name, packages, api, command, environ={"AGENT_TASK": TASK}, sources=files, tasks=tasks, quiet=SILENT)


SILENT = {
    "CREWAI_DISABLE_TELEMETRY": "true",
    "CREWAI_TRACING_ENABLED": "false",
    "OTEL_SDK_DISABLED": "true",
    "HAYSTACK_TELEMETRY_ENABLED": "False",
    "LANGSMITH_TRACING": "false",
    "MASTRA_TELEMETRY_DISABLED": "1",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
}
FRAMEWORKS = (
    framework("LlamaIndex", "llama_index_openai.py", "llama-index-core==0.14.25", "llama-index-llms-openai-like==0.8.1"),
    framework("Haystack", "haystack_openai.py", "haystack-ai==3.4.1"),
    framework("DSPy", "dspy_openai.py", "dspy==3.4.1", tasks=NO_TOOLS),
    framework("CrewAI", "crewai_openai.py", "crewai==1.15.30"),
    framework("smolagents", "smolagents_openai.py", "smolagents[openai]==1.26.0"),
    framework("AG2", "ag2_openai.py", "ag2[openai]==1.2.1"),
    framework("Semantic Kernel", "semantic_kernel_openai.py", "semantic-kernel==1.45.0"),
    framework("LangGraph", "langgraph_openai.py", "langgraph==1.2.24", "langchain-openai==1.7.3"),
    framework("ChatNVIDIA", "nvidia_chat.py", "langchain-nvidia-ai-endpoints==1.5.0"),
    framework("Mastra", "mastra.mjs", "@mastra/core@1.71.0", "@ai-sdk/openai-compatible@3.0.92", "zod@4.6.7", NODE),
    framework("AI SDK, OpenAI compatible", "ai_sdk_compatible.mjs", *AI_SDK),
    framework("AI SDK, Google", "ai_sdk_google.mjs", *AI_SDK, api="gemini"),
    framework("AI SDK, Mistral", "ai_sdk_mistral.mjs", *AI_SDK),
    framework("AI SDK, Cohere", "ai_sdk_cohere.mjs", *AI_SDK, api="cohere"),
    framework("AI SDK, Azure", "ai_sdk_azure.mjs", *AI_SDK, api="responses"),
    framework("AI SDK, xAI", "ai_sdk_xai.mjs", *AI_SDK),
    framework("AI SDK, Groq", "ai_sdk_groq.mjs", *AI_SDK),
    framework("AI SDK, DeepSeek", "ai_sdk_deepseek.mjs", *AI_SDK),
    framework("AI SDK, OpenRouter", "ai_sdk_openrouter.mjs", *AI_SDK),
)
CLIS = (CLAUDE_CODE, CODEX, GEMINI_CLI, OPENCODE, AIDER, QWEN_CODE, LLM, COPILOT_CLI, PI, PROMPTFOO)
PROGRAMS = (*CLIS, *FRAMEWORKS)
