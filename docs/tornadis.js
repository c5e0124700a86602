// SPDX-License-Identifier: LGPL-2.1-or-later

// Whoever takes a language once gets it on all pages. Without this each block has tabs of its own.
document.addEventListener('DOMContentLoaded', () => {
    const key = 'tornadis-language';
    const choose = language => {
        for (const input of document.querySelectorAll('.languages > input'))
            input.checked ||= input.dataset.language === language;
    };
    try {
        choose(localStorage.getItem(key));
    } catch {
        // There is no storage for files in some viewers.
    }
    document.addEventListener('change', ({target}) => {
        if (target.dataset.language === undefined)
            return;
        // What stands above may become longer or shorter.
        const {top} = target.parentNode.getBoundingClientRect();
        choose(target.dataset.language);
        window.scrollBy(0, target.parentNode.getBoundingClientRect().top - top);
        try {
            localStorage.setItem(key, target.dataset.language);
        } catch {
            // Likewise.
        }
    });
});
