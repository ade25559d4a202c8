"""The local Cloudflare: the part of Cloudflare's API that wrangler uses, on the real runtime, on loopback.

Imports nothing else of cattlegrid: what is proven on it must not be proven by the code under test.
"""
