"""The credit portrait: tags, radar, strengths and the forecast of trading."""
