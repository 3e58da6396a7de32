"""A piano plays "Mary had a little lamb": Itakura–Saito on its power spectrogram."""

import warnings
from typing import Any

import numpy as np
from scipy.signal import find_peaks
from sklearn.exceptions import ConvergenceWarning

from benchmarks.problems import data_folder
from benchmarks.tables import table
from docs.gallery.drawing import COLOURS, label, save
from partwise import NMF
from partwise.plot._style import LIGHT, dress, new_figure

K, ITERATIONS = 4, 500
LOSSES = ("itakura-saito", "kullback-leibler", "frobenius")
TUNE = "E D C D E E E"
RATE, HOP = 16_000, 128
# C4 … B4 in equal temperament.
_NAMES = ("C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B")
PITCHES = {name: 440 * 2 ** ((semitone - 9) / 12) for semitone, name in enumerate(_NAMES)}
# The harmonics that tell a pitch, and by how much a pitch has to stand out from noise.
_HARMONICS, _CLEAR = np.arange(1, 9), 0.5
# Frames between two notes at least, and frames of a note that are listened to.
_APART, _HEARD = 40, 25


def measure() -> dict[str, Any]:
    """For each loss the notes of the parts, and the tune that their activations spell."""
    stored = np.load(data_folder() / "piano_mary" / "piano_mary.npz")
    power = stored["X"].T ** 2
    onsets = find_onsets(power)
    return {
        "onsets": onsets,
        "signal": [pitch_of_signal(stored["x"], onset) for onset in onsets],
        "fits": {loss: fitted(power, onsets, loss) for loss in LOSSES},
    }


def fitted(power: np.ndarray, onsets: list[int], loss: str) -> dict[str, Any]:
    """The best of ten starts."""
    model = NMF(K, beta_loss=loss, init="random", n_init=10, random_state=0, max_iter=ITERATIONS, tol=1e-5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the page says how it ended
        W = model.fit_transform(power)
    notes = [pitch(h) for h in model.components_]
    heard = [W[onset : onset + _HEARD].sum(axis=0) for onset in onsets]
    return {
        "W": W.tolist(),
        "H": model.components_.tolist(),
        "notes": notes,
        "tune": " ".join(notes[int(np.argmax(parts))] for parts in heard),
        "clear": min(float(parts.max() / parts.sum()) for parts in heard),
        "objective": float(model.history_["objective"][-1]),
        "iterations": model.n_iter_,
        "status": str(model.status_),
    }


def find_onsets(power: np.ndarray) -> list[int]:
    """The frames in which the sound becomes louder at once."""
    loudness = np.sqrt(power.sum(axis=1))
    level = np.log(loudness + 1e-3 * loudness.max())
    rise = np.diff(level, prepend=level.min())
    return [int(frame) - 1 for frame in find_peaks(np.pad(rise, 1), height=0.3, distance=_APART)[0]]


def pitch(spectrum: np.ndarray) -> str:
    """The pitch of C4 … B4 whose harmonics stand out of a spectrum of power; "–" where none does."""
    frequencies = np.linspace(0, RATE / 2, len(spectrum))
    amplitude = np.sqrt(spectrum)
    scores = {name: _harmonic(frequencies, amplitude, hertz) for name, hertz in PITCHES.items()}
    best = max(scores, key=lambda name: scores[name])
    return best if scores[best] > _CLEAR else "–"


def _harmonic(frequencies: np.ndarray, amplitude: np.ndarray, hertz: float) -> float:
    """(on − between) / (on + between) for the amplitudes on the harmonics and halfway between them."""
    on, between = (np.interp(hertz * (_HARMONICS + shift), frequencies, amplitude).sum() for shift in (0, 0.5))
    return float((on - between) / (on + between))


def pitch_of_signal(signal: np.ndarray, onset: int) -> str:
    """The pitch that the recording itself has there, without a factorization: the peak of a long spectrum."""
    start = onset * HOP + 256
    piece = signal[start : start + 6000] * np.hanning(6000)
    amplitude, frequencies = np.abs(np.fft.rfft(piece, 1 << 16)), np.fft.rfftfreq(1 << 16, 1 / RATE)
    octave = (frequencies > 250) & (frequencies < 510)
    peak = frequencies[octave][np.argmax(amplitude[octave])]
    return min(PITCHES, key=lambda name: abs(np.log(PITCHES[name] / peak)))


# -- the page ------------------------------------------------------------------------------------------------------

_SAID = {"itakura-saito": "Itakura–Saito", "kullback-leibler": "Kullback–Leibler", "frobenius": "Frobenius"}


_HEAD = ["loss", "pitches of the parts", "tune", "least share of a note in its part", "iterations"]


def section(found: dict[str, Any]) -> str:
    """Text and tables."""
    best = found["fits"]["itakura-saito"]
    _draw(found, best)
    rows = [
        [_SAID[loss], " ".join(fit["notes"]), fit["tune"], f"{100 * fit['clear']:.0f} %", f"{fit['iterations']}"]
        for loss, fit in found["fits"].items()
    ]
    agreed = "the same" if " ".join(found["signal"]) == TUNE else " ".join(found["signal"])
    return f"""\
## Sound: the activations spell the tune

4.7 s of "Mary had a little lamb" on a piano, 129 frequencies × 586 frames. Of the power spectrogram, whose entries span
14 orders of magnitude, Itakura–Saito counts what is faint as much as what is loud.

```python
model = NMF({K}, beta_loss="itakura-saito", init="random", n_init=10, random_state=0, max_iter={ITERATIONS}, tol=1e-5)
W = model.fit_transform(np.abs(stft).T ** 2)  # frames × parts; the rows of model.components_ are spectra
```

No ear is needed: an onset is where the sound becomes louder at once; the pitch of a part is the one of C4 … B4 whose
first eight harmonics stand out of its spectrum, or none; and at each onset the part with most energy in the
{_HEARD} frames that follow names the note.

{table(_HEAD, rows)}

The tune is {TUNE}, and {agreed} is what the peaks of long Fourier transforms of the recording itself say at the
{len(found["onsets"])} onsets, without a factorization. With Itakura–Saito the part without a pitch is the noise, faint
and everywhere; Frobenius sees only what is loud, and mixes the notes. The fit with Itakura–Saito was ended by
`max_iter`: multiplicative updates are slow near the end, and the notes have stood since long before.

![Spectra of the four parts, and their activations over time](mary.png)
"""


def _draw(found: dict[str, Any], fit: dict[str, Any]) -> None:
    W, H = np.array(fit["W"]), np.array(fit["H"])
    order = sorted(range(K), key=lambda j: PITCHES.get(fit["notes"][j], 0.0), reverse=True)
    figure = new_figure(10, 5.4, LIGHT)
    axes = figure.subplots(K, 2, sharex="col", gridspec_kw={"width_ratios": [1, 2.2]})
    names = dict(zip(found["onsets"], fit["tune"].split(), strict=True))
    for (left, right), j, colour in zip(axes, order, COLOURS, strict=False):
        note = fit["notes"][j]
        for ax in (left, right):
            dress(ax, LIGHT)
            ax.set_yticks([])
            ax.spines["left"].set_visible(False)
        _draw_spectrum(left, H[j], note, colour)
        _draw_activation(right, W[:, j], {o: name for o, name in names.items() if name == note}, colour)
    axes[-1][0].set_xlabel("kHz")
    axes[-1][1].set_xlabel("seconds")
    label(axes[0][0], "Parts: amplitude against frequency")
    label(axes[0][1], f"Activations: {fit['tune']}")
    save(figure, "mary.png")


def _draw_spectrum(ax: Any, h: np.ndarray, note: str, colour: str) -> None:
    kilohertz = np.linspace(0, RATE / 2000, len(h))
    amplitude = np.sqrt(h / h.max())
    ax.fill_between(kilohertz, amplitude, color=colour, alpha=0.25, linewidth=0)
    ax.plot(kilohertz, amplitude, color=colour, linewidth=1.2)
    for harmonic in _HARMONICS if note in PITCHES else ():
        ax.axvline(harmonic * PITCHES[note] / 1000, color=LIGHT.muted, linewidth=0.6, linestyle=":", zorder=0)
    name = f"{note}4" if note in PITCHES else "no pitch"
    ax.text(0.98, 0.82, name, transform=ax.transAxes, ha="right", fontsize=11, fontweight="bold", color=colour)
    ax.set(xlim=(0, 3), ylim=(0, 1.08))


def _draw_activation(ax: Any, w: np.ndarray, names: dict[int, str], colour: str) -> None:
    seconds = np.arange(len(w)) * HOP / RATE
    amplitude = np.sqrt(w / w.max())
    ax.fill_between(seconds, amplitude, color=colour, alpha=0.85, linewidth=0)
    for onset, name in names.items():
        ax.axvline(onset * HOP / RATE, color=LIGHT.muted, linewidth=0.6, zorder=0)
        ax.text(onset * HOP / RATE + 0.03, 1.1, name, fontsize=11, fontweight="bold", color=colour, va="bottom")
    ax.set(xlim=(-0.03, seconds[-1]), ylim=(0, 1.45))
