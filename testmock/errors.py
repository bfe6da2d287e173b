"""Error numbers as a program on the board sees them, whatever system the PC runs."""

ENOENT = 2
EIO = 5
EBADF = 9
EAGAIN = 11
ENOMEM = 12
EACCES = 13
EEXIST = 17
ENODEV = 19
ENOTDIR = 20
EISDIR = 21
EINVAL = 22
ENOSPC = 28
ENOTEMPTY = 39
EADDRINUSE = 98
ECONNABORTED = 103
ECONNRESET = 104
ENOTCONN = 107
ETIMEDOUT = 110
ECONNREFUSED = 111
EHOSTUNREACH = 113
EALREADY = 114
EINPROGRESS = 115

# lwIP's EAI_FAIL, as MicroPython raises it: the name server did not answer, or knows no such name.
EAI_FAIL = -202
