/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "soak/run.h"

G_BEGIN_DECLS

/* Somebody goes through all that is there, again and again. Of one server. */
extern const Participant scans_participant;

G_END_DECLS
