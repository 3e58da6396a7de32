"""X ≈ W H: the step, the certificate, revival and the end."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from partwise._errors import DataError
from partwise._types import Array
from partwise.arrays.block import Block
from partwise.arrays.operand import Rows
from partwise.engine.problem import Problem
from partwise.engine.state import State
from partwise.kernels.threads import side_by_side
from partwise.losses.base import Frame
from partwise.models.reports import Course, Each, Half, Residuals, Share, Worst
from partwise.models.rows import Near, rows_solver
from partwise.penalties.base import Penalty
from partwise.solvers.base import Plan, Solver, Work
from partwise.subproblems import NormalEquations, Subproblem, largest_of

# Below this share of the loss at zero the loss that the subproblem gives for free has lost too many digits.
_CANCELLED = 1e-4
# So has the one of a step below this many times its rounding.
_CANCELLED_STEP = 1e4
# A plain step cannot raise the objective; up to this many times the rounding it may seem to.
_NOISE = 4
# Powers of two by which the scales of a component in W and in H may each have moved before they are made alike again.
_APART = 12
# A fit that was cut off solves W by at most one step for so many iterations: it need be no nearer to its best than H.
_CUT_OFF = 4
# Where the objective shows no difference, steps go on while each takes the optimality below this share of what it was.
_NEARER = 0.9


@dataclass(frozen=True)
class Bilinear:
    """The alternation for one problem.

    Parameters
    ----------
    problem : Problem
    solver : Solver
        The half-step of both sides.
    plan : Plan
        How the first half-steps are done.
    settles : bool
        Whether the end may settle the scale and the order of the components (the start was ours).
    """

    problem: Problem
    solver: Solver
    plan: Plan
    settles: bool

    def start(self, W: Array, H: Array, free_W: Array | None = None, free_H: Array | None = None) -> State:
        """The state of a start: W (m × k) and H (n × k), and which of their entries may move (None: all)."""
        placed, free = self.problem.operand.place(W), self.problem.operand.place(free_W)
        return State(placed, placed, H, H, H, self.plan, self.plan, free_W=free, free_H=free_H)

    def factors(self, state: State) -> tuple[Array, Array]:
        """W and H in memory."""
        return _array(self.problem.operand.gather(state.W)), state.H

    def respond(self, W: Array, H: Array) -> Array:
        """H's half-step from H for a given W, by one read."""
        state = replace(self.start(W, H), plan_H=self.plan)
        if not self.solver.form.additive:
            return self._by_columns([state], [W])[0].solved

        def visit(block: Block, rows: Rows) -> tuple[Rows, Any]:
            return None, self._frame([_array(rows)])(block.T, [H])[0]

        return self._lowered(self.problem.operand.sweep(visit, state.W)[1], H, self.plan, None).solved

    # -- the step --------------------------------------------------------------------------------------------------

    def step(self, states: Sequence[State]) -> list[State]:
        """One iteration of each state, all over one read of the data: W's half-step in the blocks, then H's."""
        rows, shares = self._by_rows(states)
        if self.solver.form.additive:
            halves = side_by_side(
                lambda state, share: self._lowered(share.subproblem, state.H_look, state.next_H, state.free_H),
                states,
                shares,
            )
        else:
            halves = self._by_columns(states, [_array(self.problem.operand.gather(_parts(pair)[0])) for pair in rows])
        return side_by_side(self._settle, states, rows, shares, halves)

    def _by_rows(self, states: Sequence[State]) -> tuple[tuple[Rows, ...], tuple[Share, ...]]:
        """W's half-steps: pairs of look-ahead and solution, and what the blocks report of them."""
        problem, solver = self.problem, self.solver
        held = [state.H_look for state in states]
        frame = problem.loss.around(solver.form, held, valued=False)

        def lowered(
            state: State, subproblem: Any, rows: tuple[Array, Array, Array | None]
        ) -> tuple[Array, Array, Work]:
            W, base, free = rows
            penalised = subproblem.plus(*problem.penalty_W.quadratic(W))
            solved, work = _updated(solver, penalised, W, state.next_W, free)
            return self._ahead(state, problem.penalty_W, solved, base), solved, work

        def visit(block: Block, rows: Rows) -> tuple[Rows, Each[Share]]:
            each = _parts(rows)
            subproblems = frame(block, [_triple(one)[0] for one in each])
            looks, solutions, works = zip(*side_by_side(lowered, states, subproblems, each), strict=True)
            additive = solver.form.additive
            subproblems = self._frame(looks)(block.T, held) if additive else [None] * len(looks)
            penalties = [problem.penalty_W.value(look) for look in looks]
            largest = [largest_of(look) for look in looks]
            pairs = tuple(zip(looks, solutions, strict=True))
            return pairs, Each(tuple(map(Share, subproblems, penalties, works, largest)))

        rows, report = problem.operand.sweep(visit, tuple((state.W, state.W_base, state.free_W) for state in states))
        return _parts(rows), report.each

    def _by_columns(self, states: Sequence[State], held: Sequence[Array]) -> list[Half]:
        """H's half-steps for given W by a read of Xᵀ, where H's subproblem is not a sum over rows."""
        operand = self.problem.operand.T
        assert operand is not None
        frame = self._frame(held)

        def lowered(state: State, subproblem: Any, rows: tuple[Rows, ...]) -> Half:
            F, free = rows
            return self._lowered(subproblem, _array(F), state.next_H, _optional(free))

        def visit(block: Block, rows: Rows) -> tuple[Rows, Each[Course]]:
            pairs = [_parts(pair) for pair in _parts(rows)]
            subproblems = frame(block, [_array(F) for F, _ in pairs])
            halves = side_by_side(lowered, states, subproblems, pairs)
            courses = tuple(Course(half.loss, half.work) for half in halves)
            return tuple((half.solved, half.measured) for half in halves), Each(courses)

        rows, report = operand.sweep(visit, tuple((state.H_look, state.free_H) for state in states))
        return [
            Half(*_pair(pair), course.loss, course.work) for pair, course in zip(_parts(rows), report.each, strict=True)
        ]

    def _lowered(self, subproblem: Any, F: Array, plan: Plan, free: Array | None) -> Half:
        """H's half-step on (a part of) its subproblem."""
        penalised = subproblem.plus(*self.problem.penalty_H.quadratic(F))
        solved, work = _updated(self.solver, penalised, F, plan, free)
        measured, loss = subproblem.measure(F, solved)
        return Half(solved, measured, loss, work)

    def _settle(self, state: State, pair: Rows, share: Share, half: Half) -> State:
        """Accept the measured pair, or go back to the last one and take a plain step."""
        penalty = self.problem.penalty_H
        H, loss = half.measured, half.loss
        W, base = _parts(pair)
        slack = self._slack
        if loss < _CANCELLED_STEP * slack:
            # Most digits of the free loss are gone: one more read tells the truth, to rounding of its own.
            loss = self.problem.loss.between(self.problem.operand, W, H)
            slack = loss * float(np.finfo(self.problem.operand.dtype).eps)
        objective = loss + share.penalty + penalty.value(H)
        if not np.isfinite(objective):
            raise DataError(
                "The objective left the range of the numbers in a step: the components of the start, or the entries "
                "of the data, have scales too far apart. Rescale them."
            )
        tried = replace(
            state,
            n_iter=state.n_iter + 1,
            plan_W=self.solver.next_plan(state.plan_W, share.work, H),
            plan_H=self.solver.next_plan(state.plan_H, half.work, H),
        )
        plain = state.momentum.plain
        if not objective <= state.lowest + (_NOISE * slack if plain else slack):
            return replace(
                tried,
                W_base=state.W,
                H_look=state.H,
                momentum=state.momentum.shrunk(),
                stalled=state.stalled + 1 if plain else 0,
            )
        optimality = float(np.sqrt(max(share.work.first, half.work.last))) / self.problem.scale
        level = plain and objective >= state.lowest
        accepted = replace(
            tried,
            W=W,
            W_base=base,
            H=H,
            H_base=half.solved,
            H_look=self._look(state, half.solved),
            momentum=state.momentum if level else state.momentum.grown(),
            objective=min(objective, state.objective) if level else objective,
            lowest=min(objective, state.lowest),
            optimality=optimality,
            stalled=state.stalled + 1 if level and optimality > _NEARER * state.optimality else 0,
            dead=_dead(share.largest, H),
        )
        return self._balanced(accepted, share.largest)

    def _balanced(self, state: State, largest: Array) -> State:
        """The same pair with scale that has run from one factor to the other brought back, given W's largest entries.

        By powers of two, so the steps go on bit for bit; multiplicative ones let scale run until it overflows.
        """
        if state.held or not self.problem.free_scale:
            return state
        of_H = largest_of(state.H).astype(np.float64)
        apart, alive = np.zeros_like(of_H), (largest > 0) & (of_H > 0)
        # Of logarithms and by a power in range: neither the quotient of both nor its root need be.
        apart[alive] = np.round(0.5 * (np.log2(largest[alive], dtype=np.float64) - np.log2(of_H[alive])))
        if np.abs(apart).max(initial=0) <= _APART:
            return state
        most = np.finfo(state.H.dtype).maxexp - 2
        return self._moved(state, np.exp2(np.clip(apart, -most, most)).astype(state.H.dtype))

    def _moved(self, state: State, scale: Array) -> State:
        """Each component's W divided by its scale, and its H multiplied."""
        operand = self.problem.operand
        W, base = (operand.place(_array(operand.gather(rows)) / scale) for rows in (state.W, state.W_base))
        return replace(
            state, W=W, W_base=base, H=state.H * scale, H_base=state.H_base * scale, H_look=state.H_look * scale
        )

    def _frame(self, held: Sequence[Array]) -> Frame:
        return self.problem.loss.around(self.solver.form, held)

    def _ahead(self, state: State, penalty: Penalty, new: Array, base: Array) -> Array:
        return state.momentum.ahead(new, base, penalty.bounds, self.solver.floor)

    def _look(self, state: State, H: Array) -> Array:
        """H's look-ahead; held entries stay."""
        look = self._ahead(state, self.problem.penalty_H, H, self.solver.base(H, state.H_base))
        return look if state.free_H is None else np.where(state.free_H, look, H)

    @property
    def _slack(self) -> float:
        """Rounding of the free objective, relative to the loss at zero."""
        return self.problem.magnitude * float(np.finfo(self.problem.operand.dtype).eps)

    # -- the certificate -------------------------------------------------------------------------------------------

    def certify(self, state: State) -> float:
        """The larger natural residual of both sides at exactly this pair, in the data's scale, by one read."""
        return self._measure(state, None)[1]

    def finish(self, state: State, converged: bool) -> State:
        """The pair to return: scale and order settled where the start was ours, W solved, and measured.

        Where rows are solved by steps the end may cost half of what the fit did, of one that was cut off an eighth.
        """
        if self.problem.survey.sumsq == 0 and not state.held:
            return self._zero(state)
        # Where the loss is known at the old H only, the solution that followed is nearly always lower still. W of which
        # entries are held is what the steps have made of the others.
        steps = state.n_iter if converged else -(-state.n_iter // _CUT_OFF)
        solved = self._measured(self._scaled(replace(state, H=state.H_base)), steps if state.free_W is None else None)
        if self.problem.loss.certificate is not NormalEquations:
            if solved.objective > state.objective + self._slack:
                # That step was bold, or rows solved by steps, which may be cut off or find another end, ended above.
                solved = self._measured(self._scaled(state), None)
            # What it is above now is rounding of its sums.
            solved = replace(solved, objective=min(solved.objective, state.objective))
        if self.settles:
            solved = self._ordered(solved)
        if solved.objective < max(_CANCELLED * self.problem.magnitude, _CANCELLED_STEP * self._slack):
            return replace(solved, objective=self.problem.objective(solved.W, solved.H))
        return solved

    def _measured(self, state: State, steps: int | None) -> State:
        W, optimality, objective = self._measure(state, steps)
        return replace(state, W=W, objective=objective, optimality=optimality)

    def _zero(self, state: State) -> State:
        """All-zero data are fitted by zeros, whatever the start."""
        W, H = self.factors(state)
        zero = self.problem.operand.place(np.zeros_like(W))
        return replace(state, W=zero, H=np.zeros_like(H), objective=0.0, optimality=0.0)

    def _measure(self, state: State, steps: int | None) -> tuple[Rows, float, float]:
        """W, the larger residual of both sides, and the objective, from one read.

        W is solved, by no more than so many ``steps`` if by steps, or for None left as it is.
        """
        problem = self.problem
        form = problem.loss.certificate
        frame = problem.loss.around(form, [state.H])
        solve = None if steps is None else self._solver_of_rows(state.H, steps)

        def visit(block: Block, rows: Rows) -> tuple[Rows, Residuals]:
            first, free = _parts(rows)
            W = _array(first)
            if solve is None:
                one = frame(block, [W])[0]
            else:
                W, one = solve(block, W)
            other = problem.loss.around(form, [W], valued=False)(block.T, [state.H])[0]
            squares = _residual(one.plus(*problem.penalty_W.quadratic(W)), W, _optional(free))
            return W, Residuals(squares, other, one.measure(W, W)[1], problem.penalty_W.value(W))

        W, report = problem.operand.sweep(visit, (state.W, state.free_W))
        squares = _residual(report.other.plus(*problem.penalty_H.quadratic(state.H)), state.H, state.free_H)
        optimality = float(np.sqrt(max(report.squares, squares))) / problem.scale
        return W, optimality, report.loss + report.penalty + problem.penalty_H.value(state.H)

    def _solver_of_rows(self, H: Array, steps: int) -> Callable[[Block, Array], tuple[Array, Subproblem]]:
        """What solves rows of W for H from nearly the best ones, and judges them."""
        solved = rows_solver(self.problem, H)
        return lambda block, W: solved(block, Near(W, steps))

    def _scaled(self, state: State) -> State:
        """Rows of Hᵀ sum to 1, and W carries the units of the data, where scale is ours to settle."""
        if not (self.settles and self.problem.free_scale):
            return state
        W, H = self.factors(state)
        sums = H.sum(axis=0, dtype=np.float64)
        scale = np.where(sums > 0, sums, 1.0).astype(H.dtype)
        return replace(state, W=self.problem.operand.place(W * scale), H=H / scale)

    def _ordered(self, state: State) -> State:
        """Components by their share of the sum of WH, the largest first."""
        W, H = self.factors(state)
        share = W.sum(axis=0, dtype=np.float64) * H.sum(axis=0, dtype=np.float64)
        order = np.argsort(-share, kind="stable")
        W, H = np.ascontiguousarray(W[:, order]), np.ascontiguousarray(H[:, order])
        return replace(state, W=self.problem.operand.place(W), H=H)

    # -- revival ---------------------------------------------------------------------------------------------------

    def revive(self, state: State) -> State | None:
        """Give the first dead component what the worst-fitted row still lacks, if that lowers the objective.

        With H_j = (x − wH)₊ of that row and W_j = 1 there and 0 elsewhere, only that row changes, and of its
        residual the negative part alone is left: without penalties the loss cannot rise.
        """
        if state.held:
            return None
        j = state.dead[0]
        row, lack = self._worst_row(state)
        W, H = self.factors(state)
        W, H = W.copy(), H.copy()
        W[:, j] = 0
        W[row, j] = np.sqrt(np.linalg.norm(lack))
        H[:, j] = lack / (W[row, j] or 1)
        W_placed = self.problem.operand.place(W)
        objective = self.problem.objective(W_placed, H)
        if not objective < state.objective - self._slack:
            return None
        return replace(
            self.start(W, H),
            objective=objective,
            lowest=objective,
            optimality=state.optimality,
            n_iter=state.n_iter,
            dead=state.dead[1:],
        )

    def _worst_row(self, state: State) -> tuple[int, Array]:
        """The row with the largest residual, and the positive part of that residual."""

        def visit(block: Block, rows: Rows) -> tuple[Rows, Worst]:
            W = _array(rows)
            squares = block.residual_squares(W, state.H)
            i = int(np.argmax(squares))
            residual = block.rows(np.array([i]))[0] - W[i] @ state.H.T
            return None, Worst(float(squares[i]), block.start + i, np.maximum(residual, 0))

        worst = self.problem.operand.sweep(visit, state.W)[1]
        return worst.row, worst.lack


def _updated(solver: Solver, subproblem: Any, F: Array, plan: Plan, free: Array | None) -> tuple[Array, Work]:
    """A half-step; where ``free`` is false the old entries come back."""
    if free is None:
        return solver.update(subproblem, F, plan)
    held, start = subproblem.hold(F, free)
    new, work = solver.update(held, start, plan)
    return np.where(free, new, F), work


def _residual(subproblem: Any, F: Array, free: Array | None) -> float:
    if free is None:
        return float(subproblem.residual(F))
    held, start = subproblem.hold(F, free)
    return float(held.residual(start))


def _dead(largest: Array, H: Array) -> tuple[int, ...]:
    """Components that are zero in W, by its largest entries, or in H."""
    return tuple(np.flatnonzero((largest <= 0) | (largest_of(H) <= 0)).tolist())


def _array(rows: Rows) -> Array:
    assert isinstance(rows, np.ndarray)
    return rows


def _optional(rows: Rows) -> Array | None:
    return None if rows is None else _array(rows)


def _triple(rows: Rows) -> tuple[Array, Array, Array | None]:
    W, base, free = _parts(rows)
    return _array(W), _array(base), _optional(free)


def _pair(rows: Rows) -> tuple[Array, Array]:
    first, second = _parts(rows)
    return _array(first), _array(second)


def _parts(rows: Rows) -> tuple[Rows, ...]:
    assert isinstance(rows, tuple)
    return rows
