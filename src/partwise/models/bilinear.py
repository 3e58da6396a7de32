"""X ≈ W H: the step, the certificate, revival and the end, for additive subproblems."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from partwise._errors import DataError
from partwise._types import Array
from partwise.arrays.block import Block
from partwise.arrays.operand import Rows
from partwise.engine.problem import Problem
from partwise.engine.state import State
from partwise.models.reports import Residuals, Share, Shares, Worst
from partwise.models.rows import solve_rows
from partwise.penalties.base import Penalty
from partwise.solvers.base import Plan, Solver
from partwise.subproblems import NormalEquations

# Below this share of the loss at zero the loss that the subproblem gives for free has lost too many digits.
_CANCELLED = 1e-4
# So has the one of a step below this many times its rounding.
_CANCELLED_STEP = 1e3


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

    def start(self, W: Array, H: Array) -> State:
        """The state of a start: W (m × k) and H (n × k)."""
        placed = self.problem.operand.place(W)
        return State(placed, placed, H, H, self.plan, self.plan)

    def factors(self, state: State) -> tuple[Array, Array]:
        """W and H in memory."""
        return _array(self.problem.operand.gather(state.W)), state.H

    def respond(self, W: Array, H: Array) -> Array:
        """H's half-step from H for a given W, by one read."""

        def visit(block: Block, rows: Rows) -> tuple[Rows, NormalEquations]:
            return None, self.problem.loss.around([_array(rows)])(block.T, [H])[0]

        normal = self.problem.operand.sweep(visit, self.problem.operand.place(W))[1]
        return self.solver.update(normal.plus(*self.problem.penalty_H.quadratic(H)), H, self.plan)[0]

    # -- the step --------------------------------------------------------------------------------------------------

    def step(self, states: Sequence[State]) -> list[State]:
        """One iteration of each state, all over one read of the data: W's half-step in the blocks, then H's."""
        problem, solver = self.problem, self.solver
        held = [state.H_look for state in states]
        frame = problem.loss.around(held)

        def visit(block: Block, rows: Rows) -> tuple[Rows, Shares]:
            new, works = [], []
            pairs = [_pair(one) for one in _parts(rows)]
            subproblems = frame(block, [W for W, _ in pairs])
            for state, subproblem, (W, base) in zip(states, subproblems, pairs, strict=True):
                penalised = subproblem.plus(*problem.penalty_W.quadratic(W))
                solved, work = solver.update(penalised, W, state.plan_W)
                new.append((_ahead(state, problem.penalty_W, solved, base), solved))
                works.append(work)
            looks = [look for look, _ in new]
            normals = problem.loss.around(looks)(block.T, held)
            penalties = [problem.penalty_W.value(look) for look in looks]
            return tuple(new), Shares(tuple(map(Share, normals, penalties, works)))

        rows, report = problem.operand.sweep(visit, tuple((state.W, state.W_base) for state in states))
        return [
            self._settle(state, pair, share)
            for state, pair, share in zip(states, _parts(rows), report.each, strict=True)
        ]

    def _settle(self, state: State, pair: Rows, share: Share) -> State:
        """H's half-step, then accept the pair or go back to the last one and take a plain step."""
        penalty = self.problem.penalty_H
        subproblem = share.normal.plus(*penalty.quadratic(state.H_look))
        solved, work = self.solver.update(subproblem, state.H_look, state.plan_H)
        H, loss = share.normal.measure(state.H_look, solved)
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
            plan_H=self.solver.next_plan(state.plan_H, work, H),
        )
        if not objective <= state.lowest + slack:
            return replace(
                tried,
                W_base=state.W,
                H_look=state.H,
                momentum=state.momentum.shrunk(),
                stalled=state.stalled + 1 if state.momentum.plain else 0,
            )
        return replace(
            tried,
            W=W,
            W_base=base,
            H=H,
            H_look=_ahead(state, penalty, H, state.H),
            momentum=state.momentum.grown(),
            objective=objective,
            lowest=min(objective, state.lowest),
            optimality=float(np.sqrt(max(share.work.first, work.last))) / self.problem.scale,
            stalled=0,
            dead=_dead(share.normal, H),
        )

    @property
    def _slack(self) -> float:
        """Rounding of the free objective, relative to the loss at zero."""
        return 0.5 * self.problem.survey.sumsq * float(np.finfo(self.problem.operand.dtype).eps)

    # -- the certificate -------------------------------------------------------------------------------------------

    def certify(self, state: State) -> float:
        """The larger natural residual of both sides at exactly this pair, in the data's scale, by one read."""
        return self._measure(state, solve=False)[1]

    def finish(self, state: State) -> State:
        """The pair to return: scale and order settled where the start was ours, W solved exactly, and measured."""
        if self.problem.survey.sumsq == 0:
            return self._zero(state)
        if self.settles:
            solved = self._ordered(self._solved(self._scaled(state) if self.problem.free_scale else state))
        else:
            solved = self._solved(state)
        if solved.objective < _CANCELLED * 0.5 * self.problem.survey.sumsq:
            return replace(solved, objective=self.problem.objective(solved.W, solved.H))
        return solved

    def _solved(self, state: State) -> State:
        W, optimality, objective = self._measure(state, solve=True)
        return replace(state, W=W, objective=objective, optimality=optimality)

    def _zero(self, state: State) -> State:
        """All-zero data are fitted by zeros, whatever the start."""
        W, H = self.factors(state)
        zero = self.problem.operand.place(np.zeros_like(W))
        return replace(state, W=zero, H=np.zeros_like(H), objective=0.0, optimality=0.0)

    def _measure(self, state: State, solve: bool) -> tuple[Rows, float, float]:
        """W (solved exactly or as it is), the larger residual of both sides, and the objective, from one read."""
        problem = self.problem
        # A last solve is worth float64 even for float32 data: an ill-conditioned Gram costs half the digits.
        held = state.H.astype(np.float64) if solve else state.H
        frame = problem.loss.around([held])

        def visit(block: Block, rows: Rows) -> tuple[Rows, Residuals]:
            W = _array(rows)
            plain = frame(block, [W])[0]
            subproblem = plain.plus(*problem.penalty_W.quadratic(W))
            if solve:
                W = solve_rows(subproblem).astype(W.dtype, copy=False)
            normal = problem.loss.around([W])(block.T, [state.H])[0]
            squares = subproblem.residual(W.astype(plain.cross.dtype, copy=False))
            value = plain.value(W.astype(plain.cross.dtype, copy=False))
            return W, Residuals(squares, normal, value, problem.penalty_W.value(W))

        W, report = problem.operand.sweep(visit, state.W)
        squares = report.normal.plus(*problem.penalty_H.quadratic(state.H)).residual(state.H)
        optimality = float(np.sqrt(max(report.squares, squares))) / problem.scale
        return W, optimality, report.loss + report.penalty + problem.penalty_H.value(state.H)

    def _scaled(self, state: State) -> State:
        """Rows of Hᵀ sum to 1, and W carries the units of the data."""
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


def _ahead(state: State, penalty: Penalty, new: Array, base: Array) -> Array:
    return state.momentum.ahead(new, base, penalty.bounds)


def _dead(normal: NormalEquations, H: Array) -> tuple[int, ...]:
    """Components that are zero in W (no norm) or in H."""
    alive = (normal.norms > 0) & (H.max(axis=0, initial=0) > 0)
    return tuple(np.flatnonzero(~alive).tolist())


def _array(rows: Rows) -> Array:
    assert isinstance(rows, np.ndarray)
    return rows


def _pair(rows: Rows) -> tuple[Array, Array]:
    first, second = _parts(rows)
    return _array(first), _array(second)


def _parts(rows: Rows) -> tuple[Rows, ...]:
    assert isinstance(rows, tuple)
    return rows
