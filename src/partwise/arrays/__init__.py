"""What X may be: blocks of rows in memory, and the operands that hold them."""

from partwise.arrays.convert import OPERANDS, as_operand
from partwise.arrays.operand import Operand

__all__ = ["OPERANDS", "Operand", "as_operand"]
