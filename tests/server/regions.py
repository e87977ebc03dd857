"""Regions as a compiler would make them."""

from hogdsl.plan import Gen, Input, Region, Sampling, Stream, StreamBlock, Text, TextBlock, Turn

PROMPT = TextBlock(name="prompt", pieces=(Turn(role="user", prefix="a:17+25 b:38+41"),))
MIC = Stream(name="mic", role="listen", view=("prompt", "mic"), pieces=(), input=Input())


def listening(max_seconds: float | None = None) -> Region:
    """A region that only waits for what is said to `mic`."""
    prompt = TextBlock(name="prompt", pieces=(Text(text="a:1+1 "),))
    return Region(
        name="listening",
        blocks=(prompt, StreamBlock(name="mic")),
        streams=(MIC,),
        max_seconds=max_seconds,
    )


def writing(
    max_tokens: int = 60,
    *,
    name: str = "main",
    temperature: float = 0.0,
    ignore_eos: bool = False,
) -> Region:
    """A region in which the stream `main` works on two sums."""
    sampling = Sampling(temperature=temperature)
    gen = Gen(max_tokens=max_tokens, sampling=sampling, ignore_eos=ignore_eos)
    stream = Stream(
        name="main",
        role="main",
        view=(f"prompt.{name}", f"main.{name}"),
        pieces=(Turn(role="assistant"), gen),
    )
    prompt = PROMPT.model_copy(update={"name": f"prompt.{name}"})
    blocks = (prompt, StreamBlock(name=f"main.{name}"))
    return Region(name=name, blocks=blocks, streams=(stream,))


def endless() -> Region:
    """Writes at random, far beyond the end of any test."""
    return writing(100_000, name="endless", temperature=5.0, ignore_eos=True)
