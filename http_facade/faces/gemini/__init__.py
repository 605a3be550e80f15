"""Google's Gemini API (generateContent) as we serve it."""
