/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Live models and records of the keys that others change, and that they change themselves. */

#pragma once

#include "soak/run.h"

G_BEGIN_DECLS

extern const Participant live_participant;

G_END_DECLS
