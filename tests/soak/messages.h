/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "soak/run.h"

G_BEGIN_DECLS

/* Some publish, some listen. */
extern const Participant messages_participant;

G_END_DECLS
