/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <tornadis-glib/tornadis-glib.h>

#include "limit/circuit-breaker.h"

G_BEGIN_DECLS

/* What the outcome of a call says about the server. A pipeline fails with any of its replies. */
CircuitOutcome circuit_outcome_of (TornadisCall *call);

G_END_DECLS
