/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "soak/run.h"

G_BEGIN_DECLS

/* Some add to a stream, others read it, alone and as a group. */
extern const Participant streams_participant;

G_END_DECLS
