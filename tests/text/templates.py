"""Chat templates of the shapes that real models have, in our own words."""

CHATML = """\
{%- if messages[0]['role'] != 'system' -%}
    {{- '<|im_start|>system\nYou are a small model.<|im_end|>\n' -}}
{%- endif -%}
{%- for message in messages -%}
    {{- '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\n' -}}{%- endif -%}
"""
"""Qwen 2.5: a default system message when the conversation brings none."""

THINKING = """\
{%- set ns = namespace(last=-1) -%}
{%- for message in messages -%}
    {%- if message.role == 'user' -%}{%- set ns.last = loop.index0 -%}{%- endif -%}
{%- endfor -%}
{%- for message in messages -%}
    {%- set content = message.content.split('</think>')[-1].strip() -%}
    {{- '<|im_start|>' + message.role + '\n' -}}
    {%- if message.role == 'assistant' and loop.index0 > ns.last -%}
        {{- '<think>\n\n</think>\n\n' -}}
    {%- endif -%}
    {{- content + '<|im_end|>\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}
    {{- '<|im_start|>assistant\n' -}}
    {%- if enable_thinking is defined and not enable_thinking -%}
        {{- '<think>\n\n</think>\n\n' -}}
    {%- endif -%}
{%- endif -%}
"""
"""Qwen 3: empty thoughts in the last turn, content stripped."""

ALWAYS_THINKING = """\
{%- for message in messages -%}
    {{- '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\n<think>\n' -}}{%- endif -%}
"""
"""Reasoning models: the generation prompt opens the thoughts."""

EMPTY_THOUGHTS = """\
{%- for message in messages -%}
    {{- '<|im_start|>' + message.role + '\n' -}}
    {%- if message.role == 'assistant' -%}{{- '<think>\n\n</think>\n\n' -}}{%- endif -%}
    {{- message.content + '<|im_end|>\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\n<think>\n' -}}{%- endif -%}
"""
"""Empty thoughts in every past turn, and the generation prompt opens them too."""

HEADERS = """\
{{- bos_token -}}
{%- set system, rest = '', messages -%}
{%- if messages[0].role == 'system' -%}
    {%- set system, rest = messages[0].content | trim, messages[1:] -%}
{%- endif -%}
{%- set date = date_string if date_string is defined else '26 Jul 2024' -%}
{{- '<|head|>system<|/head|>\n\nToday is ' + date + '\n\n' + system -}}
{{- '<|eot|>' -}}
{%- for message in rest -%}
    {{- '<|head|>' + message.role + '<|/head|>\n\n' + message.content | trim + '<|eot|>' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|head|>assistant<|/head|>\n\n' -}}{%- endif -%}
"""
"""Llama 3: BOS, a system message with a date in any case, headers, content trimmed."""

INST = """\
{%- if messages[0].role == 'system' -%}
    {%- set system, turns = messages[0].content, messages[1:] -%}
{%- else -%}
    {%- set turns = messages -%}
{%- endif -%}
{{- bos_token -}}
{%- for message in turns -%}
    {%- if (message.role == 'user') != (loop.index0 % 2 == 0) -%}
        {{- raise_exception('roles must alternate, the user first') -}}
    {%- endif -%}
    {%- if message.role == 'user' -%}
        {%- if loop.first and system is defined -%}
            {{- '[INST] ' + system + '\n\n' + message.content + '[/INST]' -}}
        {%- else -%}
            {{- '[INST] ' + message.content + '[/INST]' -}}
        {%- endif -%}
    {%- else -%}
        {{- ' ' + message.content | trim + eos_token -}}
    {%- endif -%}
{%- endfor -%}
"""
"""Mistral: no opening of the assistant's turn, system text inside the user's first turn."""

SYSTEM_IN_FRONT = """\
{{- bos_token -}}
{%- for message in messages if message.role == 'system' -%}{{- message.content -}}{%- endfor -%}
{%- for message in messages -%}
    {%- if message.role == 'user' -%}{{- '<|User|>' + message.content -}}{%- endif -%}
    {%- if message.role == 'assistant' -%}
        {{- '<|Assistant|>' + message.content + '<|end|>' -}}
    {%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|Assistant|><think>\n' -}}{%- endif -%}
"""
"""DeepSeek: nothing closes a user's turn, and all system text stands in front."""
