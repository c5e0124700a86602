/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What a reader reads into: memory of a size, and TORNADIS_REPLY_PACK_STEP bytes more. It is freed with g_free().
 *
 * Who waits for one reply after the other would allocate a page for each, and malloc tidies up whenever so large a block is
 * freed: a thread keeps some that no reader has use for. */
guint8 *tornadis_page_new   (gsize   size);
/* Keeps @page (transfer full) for who needs one of @size next, or frees it, as when enough are kept. */
void    tornadis_page_spare (guint8 *page,
                             gsize   size);

G_END_DECLS
