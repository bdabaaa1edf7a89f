"""Answers, one file a question: its values, its statements, and the function that asks; `questions` has them all."""
