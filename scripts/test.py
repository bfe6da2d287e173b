#!/usr/bin/env python3
from epxhost import door

door.call("epxhost.runprofile")
