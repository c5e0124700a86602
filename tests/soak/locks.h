/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "soak/run.h"

G_BEGIN_DECLS

/* Some compete for a lock. */
extern const Participant locks_participant;

G_END_DECLS
