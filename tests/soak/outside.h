/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "soak/run.h"

G_BEGIN_DECLS

/* Somebody else writes what the clients have in their cache. */
extern const Participant outside_participant;

G_END_DECLS
