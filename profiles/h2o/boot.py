"""Runs before main.py. A water tank switches nothing and keeps the CPU's default frequency."""
